import { useState, type ReactNode } from 'react';
import { LANGUAGES, useLanguage, useMessages, type LanguageCode } from '../i18n/index.js';
import { Select } from './field.js';
import { keepTheme, keptTheme, THEMES } from './theme.js';
import css from './preferences.module.css';

/** Language and colours, which this browser keeps. */
export function Preferences(): ReactNode {
  const t = useMessages().preferences;
  const { code, choose } = useLanguage();
  const [theme, setTheme] = useState(keptTheme);
  const languages = Object.entries(LANGUAGES) as [LanguageCode, string][];
  return (
    <div className={css['preferences']}>
      <Select compact label={t.language} value={code} options={languages} onChange={choose} />
      <Select
        compact
        label={t.theme}
        value={theme}
        options={THEMES.map((name) => [name, t.themes[name]] as const)}
        onChange={(name) => {
          keepTheme(name);
          setTheme(name);
        }}
      />
    </div>
  );
}
