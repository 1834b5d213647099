export function findChromium(): string | undefined;
export function findVulkanIcd(): string | undefined;
export function findVulkanLoader(): string | undefined;
