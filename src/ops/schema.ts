/** Members that several kinds of op share. Looser than the client protocol: what was once minted must fold. */
import Type from "typebox";

/** One more than the version that the writer saw. */
export const Version = Type.Integer({ minimum: 1 });
export const NameText = Type.String({ pattern: "^[a-z0-9][a-z0-9._-]{0,31}$" });
export const MessageKey = Type.String({ pattern: "^m_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$" });
export const SessionKey = Type.String({ pattern: "^s_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$" });
export const InvitationKey = Type.String({ pattern: "^i_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$" });
export const AccountKey = Type.String({ pattern: "^a_[A-Za-z0-9_-]{21}[AQgw]$" });
