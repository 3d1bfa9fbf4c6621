import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.js';
import { clientOf } from './api/client.js';
import { loadLanguage, preferredLanguage } from './i18n/index.js';
import { Session } from './session/session.js';
import { applyTheme, keptTheme } from './ui/theme.js';
import './styles/base.css';

applyTheme(keptTheme());

// Before anything else: a link's code does not stay in the address, where the history and a reload would keep it.
const session = Session.begin(window);
const language = await loadLanguage(preferredLanguage());

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App session={session} client={clientOf(session)} initialLanguage={language} />
  </StrictMode>,
);
