// Runs the programs that are named behind the server's address, all at once in this process, which loads what they share once. Prints one
// line of JSON for each: its name, and what went wrong.
const results = await Promise.all(process.argv.slice(3).map(async program => {
  try {
    await import(`./${program}`);
    return { program };
  } catch (error) {
    return { program, error: error.stack };
  }
}));
results.forEach(result => console.log(JSON.stringify(result)));
process.exit();
