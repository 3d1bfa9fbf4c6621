/** What is read aloud: sentences with most sounds of the language, and nothing that anybody would mind to say. */
export const PROMPTS = {
  en: [
    'When the sunlight strikes raindrops in the air, they act as a prism and form a rainbow that takes the shape of a long, round arch.',
    'The north wind and the sun were disputing which of them was the stronger, when a traveller came along wrapped in a warm cloak.',
    'Please call my sister and ask her to bring six spoons of fresh snow peas, five thick slabs of blue cheese, and a snack for her brother.',
    'A large size in stockings is hard to sell, but the boy who usually measures them thought that the job was a joy.',
  ],
  de: [
    'Einst stritten sich Nordwind und Sonne, wer von ihnen beiden wohl der Stärkere wäre, als ein Wanderer des Weges kam, der in einen warmen Mantel gehüllt war.',
    'Heute ist schönes Frühlingswetter; die Sonne lacht, und auf der Straße spielen Jungen und Mädchen mit einem gelben Ball.',
    'Am Abend brachte der Zug zwölf Kisten frische Äpfel, fünf Flaschen Saft und eine große Schüssel Quark in das kleine Dorf.',
    'Wer spät kommt, findet vielleicht noch einen Platz am Fenster und hört, wie draußen leise der Regen auf das Dach fällt.',
  ],
  fr: [
    'La bise et le soleil se disputaient, chacun assurant qu’il était le plus fort, quand ils ont vu un voyageur qui s’avançait, enveloppé dans son manteau.',
    'Au printemps, les enfants jouent dans la rue pendant que leur grand-mère prépare une bonne soupe aux légumes du jardin.',
    'Le train de huit heures apportait chaque matin douze caisses de pommes, cinq fromages blancs et un peu de pain frais.',
    'Quand la pluie tombe doucement sur le toit, on entend au loin les cloches du village et le bruit des feuilles.',
  ],
} as const;

export type PromptLanguage = keyof typeof PROMPTS;

export const PROMPT_LANGUAGES = { en: 'English', de: 'Deutsch', fr: 'Français' } as const satisfies Record<
  PromptLanguage,
  string
>;
