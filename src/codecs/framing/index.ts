/** How byte streams are cut into payloads. */
export { NulFraming } from './nul.js';
export { LengthFraming } from './length.js';
