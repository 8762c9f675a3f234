/** One line of what a family of hostile cases came to, for who reads the run. */
export function printCounts(family: string, counts: Readonly<Record<string, number>>): void {
  const told = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  console.log(`hostile: ${family}: ${told.join(", ")}`);
}
