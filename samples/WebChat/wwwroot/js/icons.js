// One set of line icons, 24 × 24. They are decoration: every button has a label.
const shapes = {
  plus: "M12 5v14M5 12h14", search: "M10.5 17a6.5 6.5 0 1 1 0-13 6.5 6.5 0 0 1 0 13zM15.5 15.5 20 20",
  send: "M12 19V5M6 11l6-6 6 6", stop: "M7 7h10v10H7z", attach: "M20 11.5 12 19.5a5 5 0 0 1-7-7l8.5-8.5a3.3 3.3 0 0 1 4.7 4.7L9.7 17.2a1.7 1.7 0 0 1-2.4-2.4l7.5-7.5",
  mic: "M12 15a3 3 0 0 0 3-3V6a3 3 0 0 0-6 0v6a3 3 0 0 0 3 3zM6 11.5a6 6 0 0 0 12 0M12 17.5V21", copy: "M9 9h11v11H9zM5 15H4V4h11v1", check: "M5 12.5 10 17.5 19 7",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4", again: "M19 12a7 7 0 1 1-2.1-5M19 4v4h-4", speak: "M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4.5 4.5 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11",
  left: "M14 6l-6 6 6 6", right: "M10 6l6 6-6 6", down: "M12 5v14M6 13l6 6 6-6", menu: "M4 7h16M4 12h16M4 17h16", close: "M6 6l12 12M18 6 6 18",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4", trash: "M5 7h14M10 7V5h4v2M7 7l1 12h8l1-12", wrap: "M4 6h16M4 12h13a3 3 0 0 1 0 6h-4M15 15l-3 3 3 3M4 18h4",
  save: "M12 4v11M7 11l5 5 5-5M5 20h14", open: "M12 16V5M7 9l5-5 5 5M5 20h14", tool: "M14 6a4 4 0 0 1 5.5 4.8L21 12l-3 3-1.2-1.5L8 20l-4-4 8.5-7.5A4 4 0 0 1 14 6z",
};

/** An icon as a node. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true", fill: "none", stroke: "currentColor", "stroke-width": "1.8", "stroke-linecap": "round", "stroke-linejoin": "round" })) {
    svg.setAttribute(key, value);
  }

  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", shapes[name]);
  svg.append(path);
  return svg;
}

export { shapes };
