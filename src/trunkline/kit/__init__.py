"""Floor 1: vocabulary that every other floor may speak. Imports nothing of ours."""
