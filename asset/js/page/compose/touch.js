/** Whether somebody writes here with the fingers: the keyboard then lies over the page, and its Enter makes a line. */
export const byTouch = () => matchMedia("(hover: none) and (pointer: coarse)").matches;
