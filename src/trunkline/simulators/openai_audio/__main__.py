"""`python -m trunkline.simulators.openai_audio`: the stand-in on its own."""

from trunkline.simulators.openai_audio import serving
from trunkline.simulators.speech_process import main

if __name__ == "__main__":
    main(
        "openai_audio",
        lambda ordered: serving(
            hearing=ordered.hearing, voicing=ordered.voicing, host=ordered.host, port=ordered.port
        ),
    )
