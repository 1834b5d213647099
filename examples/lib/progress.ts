/** Where a progress bar is written: `process.stderr`, or anything like it. */
export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Shows how far a training is. */
export interface Progress {
  /**
   * @param step steps taken, 1 ... steps
   * @param values what to show beside, by name, for example { elbo: '-98.21' }
   * @param secondsLeft as an estimate, where there is one
   */
  update(step: number, values: Readonly<Record<string, string>>, secondsLeft?: number): void;
  /** Ends the line of the bar. */
  end(): void;
}

/** A bar that is drawn again and again on a terminal; elsewhere (a log, a pipe) a line for each twentieth of the way. */
export function createProgress(steps: number, terminal: Terminal = process.stderr): Progress {
  let drawn = false;
  let linesWritten = 0;
  return {
    update: (step, values, secondsLeft) => {
      const shown = [
        `${String(step).padStart(String(steps).length)}/${steps}`,
        ...Object.entries(values).map(([name, value]) => `${name} ${value}`),
        ...(secondsLeft === undefined ? [] : [`${clock(secondsLeft)} left`]),
      ].join('  ');
      if (terminal.isTTY === true) {
        const width = Math.max(10, Math.min(30, (terminal.columns ?? 80) - shown.length - 5));
        const full = Math.round((step / steps) * width);
        // Erases what a longer line before has left at the end.
        terminal.write(`\r[${'#'.repeat(full)}${'.'.repeat(width - full)}] ${shown}\u001b[K`);
        drawn = true;
      } else if (step >= steps || step >= (linesWritten * steps) / 20) {
        linesWritten = Math.floor((step * 20) / steps) + 1;
        terminal.write(`${shown}\n`);
      }
    },
    end: () => {
      if (drawn) {
        terminal.write('\n');
        drawn = false;
      }
    },
  };
}

/** Seconds as m:ss. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
