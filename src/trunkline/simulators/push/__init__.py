"""A stand-in for the push services of browsers' makers, and for the browsers behind them."""

from trunkline.simulators.push.server import PushService, serving

__all__ = ["PushService", "serving"]
