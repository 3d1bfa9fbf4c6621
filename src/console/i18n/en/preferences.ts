export const preferences = {
  language: 'Language',
  theme: 'Colours',
  themes: { system: 'Automatic', light: 'Light', dark: 'Dark' },
};
