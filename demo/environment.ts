/** This process's environment without what would change how the broker or a mesh behaves. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !name.startsWith("ENTENTE_") && !name.startsWith("NODE_"),
  );
  return Object.fromEntries(kept);
}
