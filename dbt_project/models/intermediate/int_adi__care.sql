{{ config(materialized='table', indexes=[{'columns': ['episode_key'], 'unique': true}]) }}
-- One row per live taking in charge that this build writes again, with what its months say of accesses, suspensions and end.
with touched as (
    {{ touched_episodes('ADI') }}
),

month as (
    select
        touched.episode_key,
        care.period_start_on,
        care.delivery_id,
        care.record_number
    from touched
    inner join {{ ref('stg_adi2__care') }} as care
        on
            touched.sender_code = care.sender_code
            and touched.episode_id = care.care_id
),

last_month as (
    select
        episode_key,
        cast(max(period_start_on) + interval '1 month' as date) - 1 as observed_to
    from month
    group by episode_key
),

access as (
    select
        month.episode_key,
        min(access.access_on) as first_access_on,
        sum(coalesce(access.n_accesses, 1)) as n_accesses,
        count(distinct access.access_on) as access_days
    from month
    inner join {{ ref('stg_adi2__access') }} as access
        on
            month.delivery_id = access.delivery_id
            and month.record_number = access.record_number
    group by month.episode_key
),

closure as (
    select distinct on (month.episode_key)
        month.episode_key,
        closure.closed_on,
        closure.closure_reason_code
    from month
    inner join {{ ref('stg_adi2__closure') }} as closure
        on
            month.delivery_id = closure.delivery_id
            and month.record_number = closure.record_number
    order by month.episode_key, closure.closed_on, month.delivery_id
),

suspension as (
    select
        month.episode_key,
        range_agg(daterange(suspension.suspended_from_on, suspension.suspended_to_on, '[]')) as suspended
    from month
    inner join {{ ref('stg_adi2__suspension') }} as suspension
        on
            month.delivery_id = suspension.delivery_id
            and month.record_number = suspension.record_number
    where coalesce(suspension.suspended_to_on, suspension.suspended_from_on) >= suspension.suspended_from_on
    group by month.episode_key
),

care as (
    select
        touched.episode_key,
        touched.touched_from,
        charge.sender_code,
        charge.care_id,
        charge.started_on,
        charge.care_type_code,
        charge.identifier_type_code,
        charge.person_ref,
        charge.sex_code,
        charge.birth_year,
        charge.residence_comune_code,
        charge.applicant_type_code,
        charge.delivery_id,
        charge.record_number,
        access.first_access_on,
        access.n_accesses,
        access.access_days,
        closure.closed_on,
        closure.closure_reason_code,
        -- An open case is known up to its last month, or to that of its start: one that nobody closed does not last for ever.
        coalesce(
            closure.closed_on,
            last_month.observed_to,
            cast(date_trunc('month', charge.started_on) + interval '1 month' as date) - 1
        ) as observed_to,
        coalesce(suspension.suspended, '{}'::datemultirange) as suspended
    from touched
    inner join {{ ref('stg_adi1__taking_in_charge') }} as charge
        on
            touched.sender_code = charge.sender_code
            and touched.episode_id = charge.care_id
    left join last_month
        on touched.episode_key = last_month.episode_key
    left join access
        on touched.episode_key = access.episode_key
    left join closure
        on touched.episode_key = closure.episode_key
    left join suspension
        on touched.episode_key = suspension.episode_key
)

select
    care.*,
    datemultirange(daterange(care.started_on, greatest(care.started_on, care.observed_to), '[]')) as stayed
from care
