// Voice input and reading aloud, where the browser has them.
import { language } from "./i18n/index.js";

const Recognition = window.SpeechRecognition ?? window.webkitSpeechRecognition;

export const canListen = Boolean(Recognition);
export const canRead = "speechSynthesis" in window;

/** Listens until it is stopped or the speaker ends. Returns a function that stops it. */
export function listen({ onText, onEnd, onError }) {
  const recognition = new Recognition();
  Object.assign(recognition, { lang: language(), interimResults: true, continuous: true });
  recognition.onresult = event => onText([...event.results].map(result => result[0].transcript).join(""));
  recognition.onerror = event => onError(event.error);
  recognition.onend = onEnd;
  stopReading();
  recognition.start();
  return () => recognition.stop();
}

/** Reads a text with a voice of its language. */
export function readAloud(text, onEnd) {
  stopReading();
  const tag = /[\u4e00-\u9fff]/.test(text) ? "zh" : language().slice(0, 2);
  const utterance = new SpeechSynthesisUtterance(text.replace(/```[\s\S]*?```/g, " ").replace(/[*_#`>|]/g, ""));
  utterance.voice = speechSynthesis.getVoices().find(voice => voice.lang.startsWith(tag)) ?? null;
  utterance.lang = utterance.voice?.lang ?? tag;
  utterance.onend = utterance.onerror = onEnd;
  speechSynthesis.speak(utterance);
}

export function stopReading() {
  if (canRead) speechSynthesis.cancel();
}
