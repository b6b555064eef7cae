// Listening in: both sides of a live call as they are heard, the caller more to one side and the agent to the other.

import { Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconEar, IconEarOff } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { client } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useAct } from "@/ui/act";

const RATE = 8_000;
const HEAD_BYTES = 16;
const FULL = 32_768;
/** So much is kept back that a line which is late now and then leaves no holes. */
const LEAD_S = 0.4;
const SIDES = [-0.35, 0.35];
const AUDIBLE = 0.01;
/** How a socket closes that has done what it was for: 1000 by what was agreed, 1001 and 1005 by going away. */
const USUAL_ENDS = new Set([1000, 1001, 1005]);

/** Plays what comes at the moments at which it was heard, a little later. */
class Loudspeaker {
  private readonly context = new AudioContext({ sampleRate: RATE });
  private readonly sides = SIDES.map((pan) => {
    const side = new StereoPannerNode(this.context, { pan });
    side.connect(this.context.destination);
    return side;
  });
  /** What is added to a moment of the call to have one of ours. */
  private ahead: number | null = null;
  /** For how long something was to be heard that is no silence, in milliseconds. */
  audibleMs = 0;

  play(message: ArrayBuffer): void {
    const view = new DataView(message);
    const side = this.sides[view.getUint8(0)];
    const at = view.getFloat64(8, true);
    const samples = new Float32Array((message.byteLength - HEAD_BYTES) / 2);
    if (!side || samples.length === 0) return;
    for (let index = 0; index < samples.length; index += 1) {
      samples[index] = view.getInt16(HEAD_BYTES + 2 * index, true) / FULL;
    }
    const now = this.context.currentTime;
    // The first of all, and whatever comes too late to be played in its place: from there on anew.
    if (this.ahead === null || at + this.ahead < now) this.ahead = now + LEAD_S - at;
    const buffer = this.context.createBuffer(1, samples.length, RATE);
    buffer.copyToChannel(samples, 0);
    const source = new AudioBufferSourceNode(this.context, { buffer });
    source.connect(side);
    source.start(at + this.ahead);
    if (samples.some((sample) => Math.abs(sample) > AUDIBLE)) this.audibleMs += (samples.length / RATE) * 1000;
  }

  close(): void {
    void this.context.close();
  }
}

export function ListenIn({ callId }: { callId: string }) {
  const t = useT("calls");
  const act = useAct();
  const [state, setState] = useState<"off" | "begins" | "on">("off");
  const button = useRef<HTMLButtonElement>(null);
  const end = useRef<(() => void) | null>(null);
  /** Whether the page has been left: what is on its way then may not begin any more. */
  const gone = useRef(false);
  useEffect(() => {
    gone.current = false;
    return () => {
      gone.current = true;
      end.current?.();
    };
  }, []);

  const begin = async () => {
    setState("begins");
    // Made while the button is being pressed: browsers let nothing sound that nobody has asked for.
    const loudspeaker = new Loudspeaker();
    const begun = await act(async () => {
      const { data } = await client.POST("/api/calls/{call_id}/listen", { params: { path: { call_id: callId } } });
      if (!data || gone.current) {
        loudspeaker.close();
        return;
      }
      const address = new URL(data.socket, location.href);
      address.protocol = address.protocol.replace("http", "ws");
      const socket = new WebSocket(address, [data.protocol, data.token]);
      socket.binaryType = "arraybuffer";
      socket.onopen = () => setState("on");
      socket.onmessage = ({ data: message }) => {
        loudspeaker.play(message as ArrayBuffer);
        if (button.current) button.current.dataset.audibleMs = String(Math.round(loudspeaker.audibleMs));
      };
      const closed = new Promise<CloseEvent>((settle) => (socket.onclose = settle));
      void closed.then(({ code }) => {
        loudspeaker.close();
        end.current = null;
        setState("off");
        // The end of the call, and leaving, are no failures.
        if (!gone.current && !USUAL_ENDS.has(code)) notifications.show({ color: "red", message: t("listen.broke"), role: "alert" });
      });
      end.current = () => socket.close();
    });
    if (!begun) {
      loudspeaker.close();
      setState("off");
    }
  };

  return (
    <Group gap="sm">
      <Button
        ref={button} variant={state === "on" ? "filled" : "default"} loading={state === "begins"} aria-pressed={state === "on"}
        leftSection={state === "on" ? <IconEarOff size={18} aria-hidden /> : <IconEar size={18} aria-hidden />}
        onClick={() => (state === "on" ? end.current?.() : void begin())}
      >
        {state === "on" ? t("listen.stop") : t("listen.begin")}
      </Button>
      <Text size="sm" c="dimmed">
        {state === "on" ? t("listen.on") : t("listen.about")}
      </Text>
    </Group>
  );
}
