import text from '../../config.yaml' with { type: 'text' };

/**
 * The commented config.yaml that is shipped: every key with its default, as a file to start from.
 */
export const shippedConfig = String(text);
