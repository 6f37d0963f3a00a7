export const helpText = `graceful-reload: run a Node server as a master and workers, and replace the workers one at a time when you save.

Usage
  graceful-reload start [options] [node flags] [<file>] [program arguments...]
                  without a file: graceful-reload.config.* here or above, else what package.json's dev script runs
  graceful-reload status  [--json] [--follow] [--all]
  graceful-reload reload  [--group G] [--slot N] [--json]     waits for the result
  graceful-reload restart [--json]                            also reads the bootstrap script anew; waits for the result
  graceful-reload wait    [--timeout 30s] [--json]            until what is on disk serves: 0; rejected: 1 and the error
  graceful-reload pause | resume                              changes are remembered, not acted on
  graceful-reload logs    [--group G] [--slot N] [--build] [--lines N] [--follow] [--json]    what the workers and builders wrote last
  graceful-reload explain <file> [--json]                     what saving this file would do, and why
  graceful-reload stop    [--json]
  graceful-reload --help | --version

Options of start (they stand before the file; flags of Node go to the workers; all after the file goes to the program)
  --workers N|max          number of workers (1); max = CPU cores
  --name NAME              name of the server
  --order ORDER            auto, start-first or stop-first (auto)
  --drain-timeout TIME     how long a worker may finish its work (10s)
  --boot-timeout TIME      how long a new worker may take to be ready (30s)
  --spares N               booted processes kept waiting (1)
  --no-watch               do not watch files; editor saves and commands still act
  --poll [MS]              look for changes at intervals (100), for file systems that do not tell
  --reload-on POLICY       change, manualSave or never (change)
  --include GLOB, --exclude GLOB    further files that count, files that do not; may be repeated
  --env-file FILE, --env-file-if-exists FILE    read anew for each generation; may be repeated
  --node PATH              the Node that the workers run on
  --import SPEC, --require SPEC     modules that Node loads first
  --build COMMAND          what keeps building what the workers run, such as "tsc --watch"; runs beside them
  --command COMMAND        what would start the server without us, such as "tsx watch src/app.ts", instead of a file
  --config FILE            the bootstrap script to run, as if it were the file
  --inspect[=[HOST:]PORT]  let debuggers connect: slot n of the first group that reloads at PORT+n-1 (9229)
  --inspect-brk[=PORT]     the same, and the first workers wait for one and stop in their first line
  --prefix WHEN            name of the worker before each line: auto, always or never

Keys in the terminal of start, each with Enter: r (or rs) reload, R restart, l status, o open in browser, h help, q quit

Options of the other commands
  --server NAME|PID        which server, where several run
  --json                   one JSON document on standard output (logs, status --follow: one a line)

Exit codes: 0 done, 1 the server said no or could not start, 2 wrong usage, 3 no server found, 130 forced by a second Ctrl+C.
`;
