/** A receipt as the protocol's shape. */
import type { Receipt as ReceiptShape } from "../../protocol/schema.ts";
import type { Receipt } from "../../replica/replica.ts";

export function copyReceipt(receipt: Receipt): ReceiptShape {
  return { held: [...receipt.held], of: receipt.of };
}
