import { useState } from "preact/hooks";
import { HalfIcon, MoonIcon, SunIcon } from "../ui/base/icons.js";

const THEMES = ["system", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];

const NAME = "belfry.theme";
const ICONS = { system: HalfIcon, light: SunIcon, dark: MoonIcon };

const chosen = (): Theme => THEMES.find((theme) => theme === document.documentElement.dataset.theme) ?? "system";

function choose(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === "system") localStorage.removeItem(NAME);
    else localStorage.setItem(NAME, theme);
  } catch {
    // Then it lasts as long as the page.
  }
}

/** From what the system says to light, to dark, and round again. */
export function ThemeSwitch() {
  const [theme, setTheme] = useState(chosen);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!;
  const Icon = ICONS[theme];
  const label = `Theme: ${theme}. Change to ${next}.`;
  return (
    <button
      type="button"
      class="plain round"
      aria-label={label}
      title={label}
      onClick={() => {
        choose(next);
        setTheme(next);
      }}
    >
      <Icon />
    </button>
  );
}
