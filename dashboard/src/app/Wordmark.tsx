import { Group, Text } from "@mantine/core";

/** The name, which is the same in every language. */
export function Wordmark() {
  return (
    <Group gap="xs" wrap="nowrap" dir="ltr">
      <img src="/favicon.svg" alt="" width={24} height={24} />
      <Text fw={700} size="lg" lh={1} component="span" translate="no">
        {NAME}
      </Text>
    </Group>
  );
}

export const NAME = "Trunkline";
