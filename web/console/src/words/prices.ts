/** Price lists, their changes, and costs. */
export const zh = {
  prices: {
    list: '价盘',
    from: '起订量',
    price: '单价',
    holds: '有效期',
    now: '当前生效',
    span: '{from} 至 {to}',
    since: '自 {from} 起',
    costIs: '当前供货价：{cost}',
    noneOfSku: '此商品尚未在任何价盘定价。',
    historyOf: '“{list}”历史价格',
    history: '历史价格',
    version: '版本',
    validFrom: '开始时间',
    validTo: '结束时间',
  },
}

export const en: typeof zh = {
  prices: {
    list: 'Price list',
    from: 'From pieces',
    price: 'Unit price',
    holds: 'Holds',
    now: 'Now',
    span: '{from} to {to}',
    since: 'From {from} on',
    costIs: 'Cost now: {cost}',
    noneOfSku: 'It has no price on any list yet.',
    historyOf: 'History on “{list}”',
    history: 'History of prices',
    version: 'Version',
    validFrom: 'Begins',
    validTo: 'Ends',
  },
}
