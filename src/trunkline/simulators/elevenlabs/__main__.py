"""`python -m trunkline.simulators.elevenlabs`: the stand-in on its own."""

from trunkline.simulators.elevenlabs import serving
from trunkline.simulators.speech_process import main

if __name__ == "__main__":
    main(
        "elevenlabs",
        lambda ordered: serving(voicing=ordered.voicing, host=ordered.host, port=ordered.port),
    )
