const levels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']

/** The names that stand for numbers, as in the protocol: four severities to each level. */
export const enums: Readonly<Record<string, bigint>> = Object.fromEntries([
  ['SEVERITY_NUMBER_UNSPECIFIED', 0n],
  ...levels.flatMap((level, index) =>
    [1, 2, 3, 4].map((step) => [
      `SEVERITY_NUMBER_${level}${step === 1 ? '' : step}`,
      BigInt(index * 4 + step)
    ])
  )
])
