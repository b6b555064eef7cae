import hooks from "eslint-plugin-react-hooks";
import ts from "typescript-eslint";

export default ts.config(
  { ignores: ["node_modules", "src/client"] },
  ...ts.configs.recommended,
  hooks.configs.flat["recommended-latest"],
  {
    rules: {
      "no-console": "error",
      "no-empty": "error",
      eqeqeq: "error",
      "prefer-const": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-restricted-imports": [
        "error",
        {
          paths: [
            { name: "react-i18next", message: "Use useT of @/lib/i18n." },
          ],
        },
      ],
    },
  },
  { files: ["src/lib/i18n.ts", "src/app/**"], rules: { "no-restricted-imports": "off" } },
  { files: ["postcss.config.cjs", "public/**", "lint/**"], rules: { "no-console": "off" } },
);
