"""Control of live calls: handing them on, hold, keys, messages, and the record of it all."""
