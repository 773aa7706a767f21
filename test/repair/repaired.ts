import type { Config } from '../../src/config/config.ts'
import { writeRepaired } from '../../src/journal/repair.ts'
import { type Plan, planRepair } from '../../src/repair/plan.ts'
import { openStores } from '../../src/repair/stores.ts'

/** Plans a repair and does it, as the command does with --yes. */
export async function repaired(
  directory: string,
  config?: Config
): Promise<Plan & { readonly aside: string }> {
  const stores = openStores(config)
  try {
    const plan = await planRepair(directory, stores)
    return { ...plan, ...(await writeRepaired(plan.survey, plan.state, plan.gaps)) }
  } finally {
    stores.close()
  }
}
