export const preferences = {
  language: 'Language',
  theme: 'Colours',
  themes: { system: 'Auto', light: 'Light', dark: 'Dark' },
};
