import { expect, test } from 'vitest'
import { configFor, loaded, refusedByCollector, throughCollector, throughOurs } from './beside.ts'
import { cases, differences, input, odd, refusals } from './processor_cases.ts'

const collector = process.env.AUDITCOL_COLLECTOR
if (collector === undefined)
  console.log("skipped: processors beside the Collector's (AUDITCOL_COLLECTOR names none)")

test.skipIf(collector === undefined)(
  'the same records come out of the same processors',
  { timeout: 120_000 },
  async () => {
    const ours = await throughOurs(cases, input)
    const theirs = await throughCollector(collector!, cases, input)
    for (const [index, { type, yaml }] of cases.entries())
      expect(ours[index], `${type}: ${yaml}`).toEqual(theirs[index])
  }
)

test.skipIf(collector === undefined)(
  'they differ where that is said',
  { timeout: 120_000 },
  async () => {
    const ours = await throughOurs(differences, odd)
    const theirs = await throughCollector(collector!, differences, odd)
    for (const [index, { why }] of differences.entries())
      expect(ours[index], why).not.toEqual(theirs[index])
  }
)

test.skipIf(collector === undefined).each(refusals)(
  'both refuse $yaml, and say why alike',
  { timeout: 30_000 },
  async (one) => {
    const theirs = await refusedByCollector(collector!, configFor([one]))
    const said = await loaded(configFor([one])).then(() => 'accepted', String)
    const why = (text: string) => text.replaceAll(/\s+/g, ' ')
    expect(why(theirs)).toContain(one.says)
    expect(why(said)).toContain(one.says)
  }
)
