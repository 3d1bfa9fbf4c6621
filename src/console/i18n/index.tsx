import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from 'react';
import type { Messages } from './en/index.js';
import { Format } from './format.js';

export type { Messages } from './en/index.js';

export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const;
export type LanguageCode = keyof typeof LANGUAGES;

export interface Language {
  code: LanguageCode;
  messages: Messages;
  format: Format;
}

const STORAGE_NAME = 'timbre-language';

const CATALOGUES: Record<LanguageCode, () => Promise<Messages>> = {
  en: async () => (await import('./en/index.js')).en,
  de: async () => (await import('./de/index.js')).de,
};

export function preferredLanguage(): LanguageCode {
  const wished = [localStorage.getItem(STORAGE_NAME) ?? '', ...navigator.languages].map((tag) => tag.slice(0, 2));
  return wished.find((tag): tag is LanguageCode => Object.hasOwn(LANGUAGES, tag)) ?? 'en';
}

export async function loadLanguage(code: LanguageCode): Promise<Language> {
  const messages = await CATALOGUES[code]();
  document.documentElement.lang = code;
  // The region of whoever reads, where the language is theirs: dates and numbers are written as they are used to.
  const locale = navigator.languages.find((tag) => tag.slice(0, 2) === code) ?? code;
  return { code, messages, format: new Format(locale) };
}

interface Chosen extends Language {
  choose: (code: LanguageCode) => void;
}

const LanguageContext = createContext<Chosen | null>(null);

export function LanguageProvider({ initial, children }: { initial: Language; children: ReactNode }): ReactNode {
  const [language, setLanguage] = useState(initial);
  const choose = useCallback((code: LanguageCode) => {
    localStorage.setItem(STORAGE_NAME, code);
    void loadLanguage(code).then(setLanguage);
  }, []);
  const value = useMemo(() => ({ ...language, choose }), [language, choose]);
  return <LanguageContext value={value}>{children}</LanguageContext>;
}

export function useLanguage(): Chosen {
  const language = useContext(LanguageContext);
  if (!language) throw new Error('outside of LanguageProvider');
  return language;
}

/** The texts of the page: `const t = useMessages(); t.people.title`. */
export function useMessages(): Messages {
  return useLanguage().messages;
}

/** Numbers, times and units as the reader writes them. */
export function useFormat(): Format {
  return useLanguage().format;
}
