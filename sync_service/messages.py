"""What a refusal says to a person: one sentence for every stable code, and one for every status as the last resort.

Programs go by the code; the sentence may change. It says what is wrong, whose part it is, and what to do next, and
nothing about anybody else: not whether a name, a token or an address exists.
"""

from __future__ import annotations

from collections.abc import Mapping

_AGAIN = "try again in a few minutes, and tell your administrator if it stays so."

BY_CODE: Mapping[str, str] = {
    "agreement_exceeded": "The works agreement does not allow this: publish within it, or sign a new agreement first.",
    "already_decided": "This has been decided already: load the list again to see how.",
    "code_refused": "The code is unknown, used up or expired: ask your administrator for a new one.",
    "counted_in_team": "You were counted in this team in these days and could subtract yourself: ask for other days, or"
    " let somebody read it who is not counted in it.",
    "from_after_to": "The first day comes after the last one: exchange `from` and `to`.",
    "internal_error": "Something is wrong in the service, through no fault of yours: tell your administrator the request's"
    " id.",
    "key_unknown": "The sealing key is not one of the newest keyset: fetch the keyset and seal again.",
    "malformed": "The request is not as this service's description has it: compare it with /openapi.json.",
    "already_made": "This code was made before and is shown once only: withdraw it and make another.",
    "asker_left": "Whoever asked for this is no reader any more: somebody else asks anew.",
    "code_used": "The code was used to enrol a laptop: revoke the laptop instead.",
    "id_taken": "This id stands for something else already: make a new one.",
    "lapsed": "It waited too long for a second administrator: ask for it anew.",
    "name_taken": "Something else has this name already: choose another.",
    "no_sign_in": "Nobody can sign in yet: an administrator sets up the organisation's identity provider first.",
    "unknown_approval": "Nothing with this id waits: load the list of approvals again.",
    "unknown_code": "No code has this id: load the list of codes again.",
    "bad_name": "A name has 1 to 200 printable characters: choose another.",
    "own_request": "You asked for this yourself: another administrator decides.",
    "unknown_time_zone": "There is no such time zone: give one as in Europe/Berlin.",
    "whole_months_only": "Who is in a team changes with a month: give its first day.",
    "method_not_allowed": "This address does not know this method: use one of those in the Allow header.",
    "bad_signature": "This is not signed by the keys that may sign it: have it signed again, then publish it.",
    "council_missing": "The works council has to sign this as well, since it takes away or replaces its key.",
    "terms_taken": "This id stands for other terms already: give the document another one and sign it again.",
    "incomplete": "This holds only together with other documents: publish them all at once.",
    "no_agreement": "There is no agreement with a works council in force: nothing limits the policy but its own terms.",
    "no_keyset": "The organisation has no keyset yet: its administrator publishes one, then ask again.",
    "no_policy": "The organisation has no policy yet: its administrator publishes one, then ask again.",
    "nothing_changes": "This would change nothing: change a term, or leave the present policy as it is.",
    "nothing_coming": "Nothing is published that is yet to begin.",
    "not_acceptable": "The answer does not exist in the form asked for: ask for application/json in the Accept header.",
    "not_allowed": "Your role does not allow this: ask an administrator of your organisation.",
    "not_authenticated": "The token is missing, wrong, out of date or revoked: sign in again.",
    "not_found": "There is nothing under this address: compare it with /openapi.json.",
    "not_in_the_future": "A correction is about time that has begun: wait until then.",
    "nothing_to_cancel": "There is no erasure to cancel.",
    "no_signer": "The service does not hold the key that signs policies: sign the policy where the key is, and publish it.",
    "out_of_order": "A newer one is published already: draft yours from the newest one and sign it again.",
    "range_too_long": "That is too many days at once: ask for fewer, the description of `to` says how many.",
    "revoked": "This laptop was revoked: ask your administrator for a new code.",
    "too_large": "The request's body is too large: send less at once.",
    "too_late": "It has begun already and cannot be changed any more.",
    "too_many": "There are too many of these already: wait, or send fewer.",
    "too_many_requests": "You ask too often: wait as many seconds as Retry-After says.",
    "too_old": "It is too long ago: measurements are not kept that long.",
    "too_slow": "The request's body did not arrive in time: send it again over a better connection.",
    "unavailable": f"The service cannot answer just now, through no fault of yours: {_AGAIN}",
    "unknown_policy": "No policy has this id: look for it in the list of policies.",
    "unknown_organisation": "No organisation has this id: check it, or give one where there are several.",
    "unknown_person": "Nobody here has this id: choose somebody from the list of people.",
    "unknown_team": "No team has this id: choose one from the list of teams.",
    "unsupported_media_type": "The body is not JSON: send it as application/json.",
    "unsupported_version": "This version is not spoken here: one of the two needs an update, ask your administrator.",
    "whole_quarter_hours_of_one_day_only": "A correction is about whole quarter hours of one day: begin and end it at a"
    " quarter hour, before midnight.",
}
BY_STATUS: Mapping[int, str] = {
    400: "The request is not one this service can carry out: compare it with /openapi.json.",
    401: BY_CODE["not_authenticated"],
    403: BY_CODE["not_allowed"],
    404: "What was asked for does not exist: load the list it came from again.",
    409: "It does not fit what is there by now: load it again and decide anew.",
    429: BY_CODE["too_many_requests"],
    500: BY_CODE["internal_error"],
    503: BY_CODE["unavailable"],
}


def sentence(status: int, code: str) -> str:
    """What to tell a person who got this refusal."""
    return BY_CODE.get(code) or BY_STATUS.get(status) or BY_STATUS[400 if status < 500 else 500]
