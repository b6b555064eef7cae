// What holds for the whole script: how it begins, and what happens when nothing is understood.

import { Button, Group, NumberInput, SimpleGrid, Slider, Stack, Text } from "@mantine/core";
import type { ScriptProps } from "@/features/agents/script/ScriptTab";
import { PatienceFields, StepSelect } from "@/features/agents/script/StepForm";
import { TextFields } from "@/features/agents/script/TextFields";
import { useNumbers, useT } from "@/lib/i18n";
import { Panel } from "@/ui/Panel";
import classes from "./script.module.css";

export function RulesView({ dialogue, change, mayWrite }: ScriptProps) {
  const t = useT("script");
  const numbers = useNumbers();
  const least = dialogue.least_confidence ?? 0;
  return (
    <fieldset disabled={!mayWrite} className={classes.bare}>
      <Stack gap="md">
        <Panel title={t("rules.beginning")}>
          <Stack gap="sm">
            <TextFields
              label={t("rules.opening")}
              description={t("rules.opening_about")}
              languages={dialogue.languages}
              path="script.opening"
              value={dialogue.opening}
              onChange={(opening) => change({ ...dialogue, opening: Object.values(opening).some(Boolean) ? opening : null })}
            />
            <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
              <StepSelect
                label={t("rules.start")}
                value={dialogue.start}
                dialogue={dialogue}
                path="script.start"
                onChange={(start) => change({ ...dialogue, start })}
              />
              <Group align="flex-end" gap="xs" wrap="nowrap">
                <StepSelect
                  label={t("rules.machine")}
                  value={dialogue.machine}
                  dialogue={dialogue}
                  path="script.machine"
                  onChange={(machine) => change({ ...dialogue, machine })}
                />
                {dialogue.machine && (
                  <Button variant="default" onClick={() => change({ ...dialogue, machine: null })}>
                    {t("rules.machine_nothing")}
                  </Button>
                )}
              </Group>
            </SimpleGrid>
          </Stack>
        </Panel>
        <Panel title={t("rules.patience")} about={t("rules.patience_about")}>
          <PatienceFields
            patience={dialogue.patience}
            dialogue={dialogue}
            path="script.patience"
            onChange={(patience) => change({ ...dialogue, patience })}
          />
        </Panel>
        <Panel title={t("rules.limits")}>
          <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
            <NumberInput
              label={t("rules.longest")}
              min={2}
              max={500}
              value={dialogue.longest ?? 40}
              onChange={(longest) => change({ ...dialogue, longest: Number(longest) || 40 })}
            />
            <StepSelect
              label={t("rules.give_up")}
              value={dialogue.give_up}
              dialogue={dialogue}
              path="script.give_up"
              onChange={(giveUp) => change({ ...dialogue, give_up: giveUp })}
            />
          </SimpleGrid>
          <Text size="sm" mt="sm" fw={500}>
            {t("rules.confidence", { share: numbers.share(least) })}
          </Text>
          <Slider
            mt="xs"
            min={0}
            max={1}
            step={0.05}
            label={null}
            disabled={!mayWrite}
            thumbLabel={t("rules.confidence", { share: numbers.share(least) })}
            value={least}
            onChange={(value) => change({ ...dialogue, least_confidence: value })}
          />
        </Panel>
      </Stack>
    </fieldset>
  );
}
