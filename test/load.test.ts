import { join } from 'node:path'
import { expect, test } from 'vitest'
import { componentNames, componentRoot, folders, loadComponent, loadModule } from '../src/load.ts'

const root = join(import.meta.dirname, 'fixtures/components')

test('the files and folders of a folder are its components', async () => {
  expect(await componentNames('exporters', root)).toEqual([
    'awss3',
    'broken',
    'debug',
    'grown',
    'otel_sdk',
    'otlp_http'
  ])
  expect(await componentNames('connectors', root)).toEqual([])
})

test.each(['../modules/own_exporter', 'Debug', 'debug.ts', '', 'no_such', '__proto__'])(
  'no name leads out of the folder: %j',
  async (name) => {
    expect(await loadComponent('exporters', name, root)).toBeUndefined()
  }
)

test('every component of the tree has its two exports', async () => {
  for (const folder of folders) {
    for (const name of await componentNames(folder, componentRoot)) {
      const module = await loadComponent(folder, name)
      expect(module?.config.def.type, `${folder}/${name}`).toBe('object')
    }
  }
})

test('a module is found as an import in the working directory would find it', async () => {
  await expect(
    loadModule('./test/fixtures/components/modules/own_exporter.ts')
  ).resolves.toHaveProperty('component.default.name', 'ownExporter')
  await expect(loadModule('./test/fixtures/components/modules/class_exporter.ts')).resolves.toEqual(
    {
      exported: 'default'
    }
  )
})
