-- depends_on: {{ ref('int_service__touched') }}
-- depends_on: {{ ref('int_service__place_before') }}
-- A month is held unique by its end, from which on a build writes an episode again: its earlier months need not be fetched to be left out.
{{ config(
    materialized='incremental',
    meta={'touched': {'by': 'int_service__touched', 'columns': ['episode_key'], 'day': 'month_end_on'}},
    indexes=[
        {'columns': ['episode_key', 'month_end_on'], 'unique': true},
        {'columns': ['person_key']},
        {'columns': ['month_on']},
        {'columns': ['district_code']}
    ]
) }}
-- One row per episode of a service and month in which it was in charge, suspended or not: the persons in charge, ready to be counted
-- distinct. Days, accesses and amounts are those of the month; what nobody declares or pays is empty. Months before the first that the
-- sender delivered are not observed: only those who were still there later are known of them.
with month as (
    select
        episode.*,
        cast(series.month_on as date) as month_on,
        cast(series.month_on + interval '1 month' as date) - 1 as month_end_on
    from {{ ref('int_service__episode') }} as episode
    cross join lateral generate_series(
        date_trunc('month', greatest(lower(episode.stayed), episode.touched_from)::timestamp),
        (upper(episode.stayed) - 1)::timestamp,
        interval '1 month'
    ) as series (month_on)
),

access as (
    select
        access.episode_key,
        cast(date_trunc('month', access.access_on) as date) as month_on,
        sum(access.n_accesses) as n_accesses
    from {{ ref('int_service__episode') }} as episode
    inner join {{ ref('fct_home_care_access') }} as access
        on
            episode.service_family_code = 'ADI'
            and episode.episode_key = access.episode_key
            and access.access_on >= date_trunc('month', episode.touched_from::timestamp)
    group by 1, 2
),

day as (
    select
        month.*,
        least(month.month_end_on, upper(month.stayed) - 1) as last_on,
        cast({{ days_of('month.in_charge * datemultirange(daterange(month.month_on, month.month_end_on, \'[]\'))') }} as integer)
            as in_charge_days
    from month
),

half_year as (
    select
        day.episode_key,
        day.month_on,
        day.in_charge_days,
        make_date(cast(extract(year from day.month_on) as integer), case when extract(month from day.month_on) <= 6 then 1 else 7 end, 1)
            as half_year_on,
        day.in_charge
    from day
    where day.service_family_code = 'SMAC'
),

-- What was paid in a half-year, spread over the contract's days in it. Months are rounded so that they add up to it.
paid as (
    select
        half_year.episode_key,
        half_year.month_on,
        round(allowance.paid_days * share.to_month_end, 2) - round(allowance.paid_days * share.before_month, 2) as paid_days,
        round(allowance.amount_eur * share.to_month_end, 2) - round(allowance.amount_eur * share.before_month, 2) as amount_eur
    from half_year
    inner join {{ ref('fct_care_allowance') }} as allowance
        on
            half_year.episode_key = allowance.episode_key
            and half_year.half_year_on = allowance.period_start_on
    cross join lateral (
        select
            (days.before_month + half_year.in_charge_days) / days.of_half_year as to_month_end,
            days.before_month / days.of_half_year as before_month
        from (
            select
                cast(
                    {{ days_of('half_year.in_charge * datemultirange(daterange(half_year.half_year_on, half_year.month_on))') }}
                    as numeric
                ) as before_month,
                nullif(
                    {{ days_of('half_year.in_charge * datemultirange(daterange(half_year.half_year_on,'
                    ~ ' cast(half_year.half_year_on + interval \'6 months\' as date)))') }}, 0
                ) as of_half_year
        ) as days
    ) as share
)

select
    day.episode_key,
    day.month_on,
    day.month_end_on,
    cast(to_char(day.month_on, 'YYYYMMDD') as integer) as month_date_key,
    day.sender_code,
    {{ place_columns('day') }},
    day.person_key,
    coalesce(person.person_version_key, -1) as person_version_key,
    day.service_key,
    day.sex_code,
    day.birth_year,
    coalesce(age_band.age_band_key, -1) as age_band_key,
    coalesce(day.month_on >= day.observed_from, false) as is_observed,
    case when lower(day.stayed) >= day.month_on and not day.has_administrative_start then 1 else 0 end as n_starts,
    case when day.ended_on is not null and upper(day.stayed) - 1 <= day.month_end_on and not day.has_administrative_end then 1 else 0 end
        as n_ends,
    day.in_charge_days,
    case day.service_family_code
        when 'FAR' then stay.presence_days
        when 'SMAC' then coalesce(paid.paid_days, 0)
        else day.in_charge_days
    end as presence_days,
    cast(coalesce(access.n_accesses, 0) as integer) as n_accesses,
    case day.service_family_code
        when 'FAR' then coalesce(stay.health_amount_eur + stay.user_amount_eur + stay.municipal_amount_eur, 0)
        when 'SMAC' then coalesce(paid.amount_eur, 0)
    end as amount_eur
from day
{{ place_on('day', 'day.month_on') }}
left join {{ ref('int_far__stay_month') }} as stay
    on
        day.episode_key = stay.episode_key
        and day.month_on = stay.month_on
left join access
    on
        day.episode_key = access.episode_key
        and day.month_on = access.month_on
left join paid
    on
        day.episode_key = paid.episode_key
        and day.month_on = paid.month_on
left join {{ ref('dim_person') }} as person
    on
        day.person_key = person.person_key
        and day.last_on between person.valid_from and person.valid_to
left join {{ ref('dim_age_band') }} as age_band
    on
        {{ age_on('day.last_on', 'day.birth_month_on', 'day.birth_year') }} between age_band.age_from and age_band.age_to
        and age_band.age_band_key > 0
-- Kept in the order of months: who counts a year again, or asks for one, reads that year's pages only.
order by day.month_on
