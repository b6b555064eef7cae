"""The model-driven brain: a language model holds the conversation, on any provider behind the port.

`ModelBrain(FallbackModel([(name, model), ...]))` is the brain; the models are elsewhere. It reads and writes
text: a recogniser hears for it, and a voice speaks.
"""

from trunkline.providers.model_brain.brain import BrainOptions, ModelBrain, ModelConversation
from trunkline.providers.model_brain.fallback import FallbackModel, Patience

__all__ = ["BrainOptions", "FallbackModel", "ModelBrain", "ModelConversation", "Patience"]
