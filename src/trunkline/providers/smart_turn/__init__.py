"""The Smart Turn model of turn ends, version 3: an ONNX file that the installation points at.

Owns the features that the model wants and the process that it runs in. The file is no part of Trunkline; it
is 8.7 MB, BSD-licensed, and lies in the `pipecat-ai` package, for one.
"""

from trunkline.providers.smart_turn.model import SmartTurn

__all__ = ["SmartTurn"]
