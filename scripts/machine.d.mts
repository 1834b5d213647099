export function findChromium(): string | undefined;
export function findVulkanIcd(): string | undefined;
export function findVulkanLoader(): string | undefined;
export function dawnEnvironment(): Record<string, string>;
export function chromiumProblem(): string | undefined;
export function dawnProblem(): string | undefined;
