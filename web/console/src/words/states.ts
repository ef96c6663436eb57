import type { Schemas } from '../api/client'

/** The names of states, kinds and roles: one for each that the API has, or the build breaks. */
type Said<Name extends string> = Record<Name, string>

interface States {
  orderState: Said<Schemas['OrderState']>
  packageState: Said<Schemas['PackageState']>
  skuState: Said<Schemas['SkuState']>
  partyState: Said<Schemas['PartyState']>
  brandKind: Said<Schemas['BrandKind']>
  returnPolicy: Said<Schemas['ReturnPolicy']>
  role: Said<Schemas['PersonRole']>
  stockState: Said<Schemas['StockState']>
  revisionState: Said<Schemas['RevisionState']>
  misfit: Said<Schemas['Misfit']>
  verdict: Said<Schemas['Verdict']>
  costState: Said<Schemas['CostState']>
  changeState: Said<Schemas['ChangeState']>
}

export const zh: States = {
  orderState: {
    waiting_funds: '待充值',
    held: '预占中',
    confirmed: '已确认',
    released: '已接单',
    picking: '拣货中',
    cancelling: '取消中',
    part_shipped: '部分发货',
    shipped: '已发货',
    intercepting: '拦截中',
    returning: '退回中',
    delivered: '已妥投',
    completed: '已完成',
    refunded: '已退款',
    cancelled: '已取消',
    split: '已拆单',
  },
  packageState: {
    shipped: '运输中',
    intercepting: '拦截中',
    returning: '退回中',
    delivered: '已妥投',
    returned: '已退回',
    lost: '已丢失',
  },
  skuState: {
    draft: '草稿',
    in_review: '审核中',
    on_shelf: '已上架',
    off_shelf: '已下架',
  },
  partyState: { active: '正常', suspended: '已停用' },
  brandKind: {
    national: '全国品牌',
    channel_exclusive: '渠道专供',
    own_label: '自有品牌',
    factory: '工厂品牌',
    custom_made: '定制品牌',
  },
  returnPolicy: {
    seven_days_no_reason: '七日无理由退货',
    no_return_made_to_order: '定制商品，不支持无理由退货',
    no_return_perishable: '鲜活易腐，不支持无理由退货',
    no_return_opened_media: '拆封音像软件，不支持无理由退货',
    no_return_press: '报刊，不支持无理由退货',
    no_return_confirmed: '购买时已确认不支持无理由退货',
  },
  role: {
    admin: '管理员',
    merchandiser: '商品运营',
    warehouse: '仓储',
    finance: '财务',
    support: '客服',
    owner: '负责人',
    buyer: '采购',
    clerk: '文员',
  },
  stockState: {
    in_stock: '有货',
    in_transit: '在途',
    transferable: '可调拨',
    short: '库存不足',
    none: '无货',
    not_served: '不配送',
  },
  revisionState: { draft: '草稿', in_review: '待审核', published: '已发布', withdrawn: '已撤回' },
  misfit: {
    category: '类目不符',
    brand_kind: '品牌类型不符',
    price_below: '低于价格带',
    price_above: '高于价格带',
    price_missing: '未定价',
  },
  verdict: {
    takes_all: '整单由此仓发货',
    takes_lines: '承接部分商品',
    takes_rest: '补足余量',
    not_needed: '未选用：前序仓已足够',
    too_little: '未选用：库存不足',
    has_none: '未选用：无可售库存',
  },
  costState: {
    submitted: '待审批',
    approved: '已批准，待生效',
    in_force: '已生效',
    rejected: '已驳回',
    withdrawn: '已撤回',
  },
  changeState: {
    scheduled: '待生效',
    in_force: '生效中',
    done: '已执行',
    cancelled: '已撤回',
  },
}

export const en: States = {
  orderState: {
    waiting_funds: 'Waiting for funds',
    held: 'Held',
    confirmed: 'Confirmed',
    released: 'Released',
    picking: 'Picking',
    cancelling: 'Cancelling',
    part_shipped: 'Part shipped',
    shipped: 'Shipped',
    intercepting: 'Intercepting',
    returning: 'Returning',
    delivered: 'Delivered',
    completed: 'Completed',
    refunded: 'Refunded',
    cancelled: 'Cancelled',
    split: 'Split',
  },
  packageState: {
    shipped: 'On its way',
    intercepting: 'Intercepting',
    returning: 'Returning',
    delivered: 'Delivered',
    returned: 'Returned',
    lost: 'Lost',
  },
  skuState: { draft: 'Draft', in_review: 'In review', on_shelf: 'On shelf', off_shelf: 'Off shelf' },
  partyState: { active: 'Active', suspended: 'Suspended' },
  brandKind: {
    national: 'National brand',
    channel_exclusive: 'Exclusive to a channel',
    own_label: 'Own label',
    factory: 'Factory brand',
    custom_made: 'Custom made',
  },
  returnPolicy: {
    seven_days_no_reason: 'Seven days without a reason',
    no_return_made_to_order: 'None: made to order',
    no_return_perishable: 'None: perishable',
    no_return_opened_media: 'None: opened media',
    no_return_press: 'None: press',
    no_return_confirmed: 'None: confirmed when bought',
  },
  role: {
    admin: 'Admin',
    merchandiser: 'Merchandiser',
    warehouse: 'Warehouse',
    finance: 'Finance',
    support: 'Support',
    owner: 'Owner',
    buyer: 'Buyer',
    clerk: 'Clerk',
  },
  stockState: {
    in_stock: 'in stock',
    in_transit: 'under way',
    transferable: 'to be transferred',
    short: 'too few',
    none: 'none',
    not_served: 'not delivered there',
  },
  revisionState: {
    draft: 'Draft',
    in_review: 'In review',
    published: 'Published',
    withdrawn: 'Withdrawn',
  },
  misfit: {
    category: 'Another category',
    brand_kind: 'Another kind of brand',
    price_below: 'Below the price band',
    price_above: 'Above the price band',
    price_missing: 'No price',
  },
  verdict: {
    takes_all: 'Sends the whole order',
    takes_lines: 'Sends some lines',
    takes_rest: 'Sends what is left',
    not_needed: 'Not needed: one before has enough',
    too_little: 'Passed over: too little there',
    has_none: 'Passed over: none there',
  },
  costState: {
    submitted: 'Waits for approval',
    approved: 'Approved, to come',
    in_force: 'In force',
    rejected: 'Declined',
    withdrawn: 'Withdrawn',
  },
  changeState: {
    scheduled: 'To come',
    in_force: 'In force',
    done: 'Carried out',
    cancelled: 'Withdrawn',
  },
}
