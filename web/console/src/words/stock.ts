/** Stock, warehouses, and the works on them. */
export const zh = {
  stock: {
    warehouse: '仓库',
    onHand: '在库',
    reserved: '占用',
    safety: '安全库存',
    available: '可售库存',
    inTransit: '在途',
    noneOfSku: '此商品在任何仓库都没有库存记录。',
  },
}

export const en: typeof zh = {
  stock: {
    warehouse: 'Warehouse',
    onHand: 'On hand',
    reserved: 'Held',
    safety: 'Safety',
    available: 'Available',
    inTransit: 'In transit',
    noneOfSku: 'It lies in no warehouse.',
  },
}
