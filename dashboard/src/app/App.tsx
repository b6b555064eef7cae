// What stands around every page: colours, direction, the cache of answers, dialogs, notices, the router.

import { DirectionProvider, localStorageColorSchemeManager, MantineProvider, useDirection } from "@mantine/core";
import { ModalsProvider } from "@mantine/modals";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { Suspense, useEffect } from "react";
import { cache } from "@/app/cache";
import { router } from "@/app/router";
import { theme, variables } from "@/app/theme";
import { directionOf, useLanguage, useT } from "@/lib/i18n";
import { Loading } from "@/ui/Loading";

const scheme = localStorageColorSchemeManager({ key: "trunkline.scheme" });

export function App({ nonce }: { nonce: string }) {
  return (
    <DirectionProvider detectDirection>
      <MantineProvider
        theme={theme}
        cssVariablesResolver={variables}
        colorSchemeManager={scheme}
        defaultColorScheme="auto"
        getStyleNonce={() => nonce}
      >
        <QueryClientProvider client={cache}>
          <Suspense fallback={<Loading />}>
            <Inside />
          </Suspense>
        </QueryClientProvider>
      </MantineProvider>
    </DirectionProvider>
  );
}

function Inside() {
  const t = useT("common");
  const language = useLanguage();
  const { setDirection } = useDirection();
  useEffect(() => setDirection(directionOf(language)), [language, setDirection]);
  return (
    <ModalsProvider
      labels={{ confirm: t("go_on"), cancel: t("cancel") }}
      modalProps={{ closeButtonProps: { "aria-label": t("close") } }}
    >
      <Notifications position="bottom-center" autoClose={6000} />
      <RouterProvider router={router} />
    </ModalsProvider>
  );
}
