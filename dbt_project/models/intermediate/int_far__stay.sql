{{ config(materialized='table', indexes=[{'columns': ['episode_key'], 'unique': true}]) }}
-- One row per live stay that this build writes again: the admission with what its quarters say of its end and its suspensions.
with touched as (
    {{ touched_episodes('FAR') }}
),

period as (
    select
        touched.episode_key,
        period.period_start_on,
        period.delivery_id,
        period.record_number
    from touched
    inner join {{ ref('stg_far2__period') }} as period
        on
            touched.sender_code = period.sender_code
            and touched.episode_id = period.admission_id
),

last_period as (
    select
        episode_key,
        cast(max(period_start_on) + interval '3 months' as date) - 1 as observed_to
    from period
    group by episode_key
),

discharge as (
    select distinct on (period.episode_key)
        period.episode_key,
        discharge.discharged_on,
        discharge.discharge_reason_code
    from period
    inner join {{ ref('stg_far2__discharge') }} as discharge
        on
            period.delivery_id = discharge.delivery_id
            and period.record_number = discharge.record_number
    order by period.episode_key, discharge.discharged_on, period.delivery_id
),

suspension as (
    select
        period.episode_key,
        range_agg(daterange(suspension.suspended_from_on, suspension.suspended_to_on, '[]')) as suspended
    from period
    inner join {{ ref('stg_far2__suspension') }} as suspension
        on
            period.delivery_id = suspension.delivery_id
            and period.record_number = suspension.record_number
    where coalesce(suspension.suspended_to_on, suspension.suspended_from_on) >= suspension.suspended_from_on
    group by period.episode_key
),

stay as (
    select
        touched.episode_key,
        touched.touched_from,
        admission.sender_code,
        admission.admission_id,
        admission.facility_code,
        admission.admission_on,
        admission.service_type_code,
        admission.identifier_type_code,
        admission.person_ref,
        admission.sex_code,
        admission.birth_year,
        admission.residence_comune_code,
        admission.origin_type_code,
        admission.applicant_type_code,
        admission.delivery_id,
        admission.record_number,
        discharge.discharged_on,
        discharge.discharge_reason_code,
        -- An open stay is known up to its last quarter, or to that of its admission.
        coalesce(
            discharge.discharged_on,
            last_period.observed_to,
            cast(date_trunc('quarter', admission.admission_on) + interval '3 months' as date) - 1
        ) as observed_to,
        coalesce(suspension.suspended, '{}'::datemultirange) as suspended
    from touched
    inner join {{ ref('stg_far1__admission') }} as admission
        on
            touched.sender_code = admission.sender_code
            and touched.episode_id = admission.admission_id
    left join last_period
        on touched.episode_key = last_period.episode_key
    left join discharge
        on touched.episode_key = discharge.episode_key
    left join suspension
        on touched.episode_key = suspension.episode_key
)

select
    stay.*,
    -- The day of discharge is no day of the stay, but a stay has at least one.
    datemultirange(
        case
            when stay.discharged_on is null then daterange(stay.admission_on, greatest(stay.admission_on, stay.observed_to), '[]')
            else daterange(stay.admission_on, greatest(stay.admission_on + 1, stay.discharged_on), '[)')
        end
    ) as stayed
from stay
