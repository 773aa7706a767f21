import { expect, test } from 'vitest'
import { addressOf, commonSender } from '../src/sender.ts'

test('an address is written as Go writes it', () => {
  const written = ['10.0.0.1', '::ffff:10.0.0.1', '::1', 'fe80::1%eth0', undefined].map(
    (remoteAddress) => addressOf({ remoteAddress })
  )
  expect(written).toEqual(['10.0.0.1', '10.0.0.1', '::1', 'fe80::1', undefined])
})

test('common to several senders is what each of them has', () => {
  const kim = { client: { tenant: ['a'], token: ['1'] }, address: '::1', identity: { user: 'kim' } }
  const lee = { client: { tenant: ['a'], token: ['2'] }, address: '::2', identity: { user: 'lee' } }
  expect(commonSender([kim, kim])).toEqual(kim)
  expect(commonSender([kim, lee])).toEqual({ client: { tenant: ['a'] } })
  expect(commonSender([kim, {}])).toEqual({})
  expect(commonSender([{}, kim])).toEqual({})
  expect(commonSender([])).toEqual({})
})
