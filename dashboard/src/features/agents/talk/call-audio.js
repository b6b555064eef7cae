// The sound of a call from the page, on the browser's audio thread: the microphone to 8,000 Hz frames of 20 ms,
// and the agent's voice back, through a small buffer that evens out the network. Knows samples and marks;
// no socket, no page. docs/reference/browser-calls.md says what travels.

const RATE = 8_000;
const FRAME = 160; // samples of 20 ms
const HEAD = 4; // bytes before a frame's samples: its time in milliseconds
const HALF_WIDTH_S = 0.003;
const PASS = 0.4625; // half amplitude at this part of the lower rate, as kit/resample.py has it
const BETA = 8;

const READY_S = 0.06; // so much is held before the agent is heard, and again after the buffer ran dry
const LONGEST_WAIT_S = 0.12; // what is shorter than that is heard after so long all the same
const TELL_EVERY_S = 0.1;
const AUDIBLE = 0.004; // mean square root of what is a voice rather than a pause

/** A stream of samples from one rate to another, with 3 ms of lag: windowed sinc, one filter a phase. */
class Resampler {
  constructor(from, to) {
    const common = gcd(from, to);
    this.up = to / common;
    this.down = from / common;
    this.table = table(from, to, this.up);
    this.taps = this.table[0].length;
    this.reset();
  }

  reset() {
    this.held = new Float32Array(this.taps >> 1);
    this.next = 0; // where the next sample is taken, from the beginning of `held`, in parts of a source sample
  }

  feed(came) {
    const samples = new Float32Array(this.held.length + came.length);
    samples.set(this.held);
    samples.set(came, this.held.length);
    const last = (samples.length - this.taps) * this.up + this.up - 1;
    const count = samples.length < this.taps ? 0 : Math.max(0, Math.floor((last - this.next) / this.down) + 1);
    const made = new Float32Array(count);
    for (let at = 0; at < count; at += 1) {
      const place = this.next + at * this.down;
      const filter = this.table[place % this.up];
      const first = Math.floor(place / this.up);
      let sum = 0;
      for (let tap = 0; tap < this.taps; tap += 1) sum += filter[tap] * samples[first + tap];
      made[at] = sum;
    }
    const following = this.next + count * this.down;
    const passed = Math.min(Math.floor(following / this.up), samples.length);
    this.held = samples.slice(passed);
    this.next = following - passed * this.up;
    return made;
  }
}

function gcd(one, other) {
  return other === 0 ? one : gcd(other, one % other);
}

function table(from, to, up) {
  const half = Math.round(from * HALF_WIDTH_S);
  const cutoff = (2 * PASS * Math.min(from, to)) / from;
  return Array.from({ length: up }, (_, phase) => {
    const row = Float64Array.from({ length: 2 * half + 1 }, (_tap, at) => {
      const distance = phase / up - (at - half);
      const window = bessel(BETA * Math.sqrt(Math.max(0, 1 - (distance / (half + 1)) ** 2))) / bessel(BETA);
      const x = Math.PI * cutoff * distance;
      return cutoff * (x === 0 ? 1 : Math.sin(x) / x) * window;
    });
    const sum = row.reduce((whole, one) => whole + one, 0);
    return Float32Array.from(row, (one) => one / sum);
  });
}

/** The modified Bessel function of order 0, of which the Kaiser window is made. */
function bessel(x) {
  let term = 1;
  let sum = 1;
  for (let at = 1; at < 40; at += 1) {
    term *= (x / (2 * at)) ** 2;
    sum += term;
  }
  return sum;
}

class CallAudio extends AudioWorkletProcessor {
  constructor() {
    super();
    this.toLine = new Resampler(sampleRate, RATE);
    this.toEar = new Resampler(RATE, sampleRate);
    this.isOpen = false;
    this.isMuted = false;
    this.loudest = { heard: 0, said: 0 }; // since it was last told
    this.frame = new Float32Array(FRAME);
    this.filled = 0;
    this.sent = 0; // frames
    this.queue = []; // samples at the context's rate, and marks: strings
    this.waiting = 0; // samples in the queue
    this.since = null; // when the oldest of what waits came, while the buffer fills
    this.played = 0;
    this.audible = 0;
    this.gaps = 0; // how often the buffer ran dry before the agent's words were over
    this.isPlaying = false;
    this.isComplete = true; // what was played last ended with a mark: silence behind it is no gap
    this.tellIn = 0;
    this.port.onmessage = ({ data }) => this.take(data);
  }

  take(message) {
    if (message.audio) {
      const pcm = new Int16Array(message.audio);
      const samples = this.toEar.feed(Float32Array.from(pcm, (one) => one / 32_768));
      this.queue.push(samples);
      this.waiting += samples.length;
      this.since ??= currentTime;
    } else if (message.mark !== undefined) {
      this.queue.push(message.mark);
      this.ripen();
    } else if (message.clear) {
      const marks = this.queue.filter((one) => typeof one === "string");
      this.queue = [];
      this.waiting = 0;
      this.since = null;
      this.isPlaying = false;
      this.toEar.reset();
      for (const mark of marks) this.port.postMessage({ mark });
    } else if (message.open) {
      this.isOpen = true;
    } else if (message.mute !== undefined) {
      this.isMuted = message.mute;
    } else if (message.close) {
      this.isClosed = true;
    }
  }

  /** Marks with nothing before them are due at once. */
  ripen() {
    while (typeof this.queue[0] === "string") {
      this.port.postMessage({ mark: this.queue.shift() });
      this.isComplete = true;
    }
  }

  process([input], [output]) {
    // What is muted goes out as silence: the stream's time goes on.
    const heard = (!this.isMuted && input[0]) || new Float32Array(output[0].length);
    this.loudest.heard = Math.max(this.loudest.heard, loudness(heard));
    if (this.isOpen) this.capture(heard);
    this.play(output[0]);
    this.loudest.said = Math.max(this.loudest.said, loudness(output[0]));
    for (const channel of output.slice(1)) channel.set(output[0]);
    this.tellIn -= output[0].length / sampleRate;
    if (this.tellIn <= 0) this.tell();
    return !this.isClosed;
  }

  capture(heard) {
    for (const sample of this.toLine.feed(heard)) {
      this.frame[this.filled] = sample;
      this.filled += 1;
      if (this.filled === FRAME) this.send();
    }
  }

  send() {
    const bytes = new ArrayBuffer(HEAD + 2 * FRAME);
    const view = new DataView(bytes);
    view.setUint32(0, this.sent * 20, true);
    for (let at = 0; at < FRAME; at += 1) {
      const loud = Math.max(-1, Math.min(1, this.frame[at])) * 32_767;
      view.setInt16(HEAD + 2 * at, Math.round(loud), true);
    }
    this.sent += 1;
    this.filled = 0;
    this.port.postMessage({ frame: bytes }, [bytes]);
  }

  play(out) {
    if (!this.isPlaying) {
      const isReady = this.waiting >= READY_S * sampleRate || this.queue.some((one) => typeof one === "string");
      const isLate = this.since !== null && currentTime - this.since >= LONGEST_WAIT_S;
      if (this.waiting === 0 || !(isReady || isLate)) return;
      this.isPlaying = true;
    }
    let filled = 0;
    while (filled < out.length && this.queue.length > 0) {
      const samples = this.queue[0];
      const count = Math.min(samples.length, out.length - filled);
      out.set(samples.subarray(0, count), filled);
      filled += count;
      this.waiting -= count;
      this.isComplete = false;
      if (count === samples.length) this.queue.shift();
      else this.queue[0] = samples.subarray(count);
      this.ripen();
    }
    this.played += filled;
    if (loudness(out) > AUDIBLE) this.audible += filled;
    if (filled === out.length) return;
    if (!this.isComplete) this.gaps += 1;
    this.isPlaying = false;
    this.since = null;
  }

  tell() {
    this.tellIn = TELL_EVERY_S;
    const ms = (samples) => Math.round((1_000 * samples) / sampleRate);
    this.port.postMessage({
      isPlaying: this.isPlaying, played: ms(this.played), audible: ms(this.audible), gaps: this.gaps, sent: 20 * this.sent,
      heard: this.loudest.heard, said: this.loudest.said,
    });
    this.loudest = { heard: 0, said: 0 };
  }
}

function loudness(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.sqrt(sum / samples.length);
}

registerProcessor("call-audio", CallAudio);
