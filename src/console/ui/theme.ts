export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const STORAGE_NAME = 'timbre-theme';

export function keptTheme(): Theme {
  const kept = localStorage.getItem(STORAGE_NAME);
  return THEMES.find((theme) => theme === kept) ?? 'system';
}

export function applyTheme(theme: Theme): void {
  const root = document.documentElement;
  if (theme === 'system') delete root.dataset['theme'];
  else root.dataset['theme'] = theme;
}

export function keepTheme(theme: Theme): void {
  localStorage.setItem(STORAGE_NAME, theme);
  applyTheme(theme);
}
