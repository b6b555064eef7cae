"""Outbound: runs over leads, one item a lead, one attempt a dial; nobody is dialled twice."""
