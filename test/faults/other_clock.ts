import { readFileSync } from 'node:fs'

/*
 * A clock that somebody sets: imported with `--import`, the program's Date is as many milliseconds off
 * as the file AUDITCOL_CLOCK says, at any time. Timers go on as they do when a real clock is set.
 */

const RealDate = Date
const off = () => Number(readFileSync(process.env.AUDITCOL_CLOCK!, 'utf8'))
const now = () => RealDate.now() + off()

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, self) =>
    Reflect.construct(target, args.length > 0 ? args : [now()], self),
  get: (target, name, self) => (name === 'now' ? now : Reflect.get(target, name, self))
})
