/**
 * What `draw` makes; what `plain` makes if that fails. One thing that can't be drawn, whatever a stranger put into it,
 * must not keep others from being drawn.
 * @template Drawn, Plain
 * @param {() => Drawn} draw
 * @param {() => Plain} plain
 * @returns {Drawn | Plain}
 */
export function guarded(draw, plain) {
  try {
    return draw();
  } catch (error) {
    console.error(error);
    return plain();
  }
}
