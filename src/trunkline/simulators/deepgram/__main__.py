"""`python -m trunkline.simulators.deepgram`: the stand-in on its own."""

from trunkline.simulators.deepgram import serving
from trunkline.simulators.speech_process import main

if __name__ == "__main__":
    main(
        "deepgram",
        lambda ordered: serving(ordered.hearing, host=ordered.host, port=ordered.port),
    )
