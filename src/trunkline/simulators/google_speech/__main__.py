"""`python -m trunkline.simulators.google_speech`: the stand-in on its own."""

from trunkline.simulators.google_speech import serving
from trunkline.simulators.speech_process import main

if __name__ == "__main__":
    main(
        "google_speech",
        lambda ordered: serving(
            hearing=ordered.hearing, voicing=ordered.voicing, host=ordered.host, port=ordered.port
        ),
    )
