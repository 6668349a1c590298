{{ config(materialized='table', indexes=[{'columns': ['episode_key']}]) }}
-- One row per touched stay and month with its days and what they cost. In residential care a day in charge is a day of presence; in
-- semi-residential care the days that the quarter declares are spread over its days in charge, and a quarter that declares none has none
-- that anybody knows. A tariff holds until the next one.
with month as (
    select
        episode.episode_key,
        cast(series.month_on as date) as month_on,
        cast(date_trunc('quarter', series.month_on) as date) as quarter_on,
        stay.service_type_code like 'SR%' as is_by_attendance,
        coalesce(series.month_on >= episode.observed_from, false) as is_observed,
        episode.in_charge * datemultirange(
            daterange(cast(series.month_on as date), cast(series.month_on + interval '1 month' as date))
        ) as in_charge
    from {{ ref('int_service__episode') }} as episode
    inner join {{ ref('int_far__stay') }} as stay
        on episode.episode_key = stay.episode_key
    cross join lateral generate_series(
        date_trunc('month', lower(episode.stayed)::timestamp), (upper(episode.stayed) - 1)::timestamp, interval '1 month'
    ) as series (month_on)
),

quarter as (
    select
        episode_key,
        quarter_on,
        sum({{ days_of('in_charge') }}) as in_charge_days
    from month
    where is_by_attendance
    group by episode_key, quarter_on
),

declared as (
    select
        quarter.episode_key,
        quarter.quarter_on,
        coalesce(period.full_days, 0) + coalesce(period.part_days, 0) as declared_days,
        quarter.in_charge_days
    from quarter
    inner join {{ ref('int_far__stay') }} as stay
        on quarter.episode_key = stay.episode_key
    inner join {{ ref('stg_far2__period') }} as period
        on
            stay.sender_code = period.sender_code
            and stay.admission_id = period.admission_id
            and quarter.quarter_on = period.period_start_on
    where coalesce(period.full_days, period.part_days) is not null
),

tariff as (
    select distinct on (stay.episode_key, tariff.tariff_from_on)
        stay.episode_key,
        tariff.tariff_from_on,
        cast(tariff.health_share_eur as numeric) as health_share_eur,
        cast(tariff.user_share_eur as numeric) as user_share_eur,
        cast(tariff.municipal_share_eur as numeric) as municipal_share_eur
    from {{ ref('int_far__stay') }} as stay
    inner join {{ ref('stg_far2__period') }} as period
        on
            stay.sender_code = period.sender_code
            and stay.admission_id = period.admission_id
    inner join {{ ref('stg_far2__tariff') }} as tariff
        on
            period.delivery_id = tariff.delivery_id
            and period.record_number = tariff.record_number
    order by stay.episode_key, tariff.tariff_from_on, period.period_start_on desc
),

tariff_span as (
    select
        tariff.*,
        datemultirange(
            daterange(
                tariff.tariff_from_on, lead(tariff.tariff_from_on) over (partition by tariff.episode_key order by tariff.tariff_from_on)
            )
        ) as valid
    from tariff
),

amount as (
    select
        month.episode_key,
        month.month_on,
        sum({{ days_of('month.in_charge * tariff_span.valid') }} * tariff_span.health_share_eur) as health_amount_eur,
        sum({{ days_of('month.in_charge * tariff_span.valid') }} * tariff_span.user_share_eur) as user_amount_eur,
        sum({{ days_of('month.in_charge * tariff_span.valid') }} * tariff_span.municipal_share_eur) as municipal_amount_eur
    from month
    inner join tariff_span
        on month.episode_key = tariff_span.episode_key
    where month.in_charge && tariff_span.valid
    group by month.episode_key, month.month_on
),

spread as (
    select
        month.episode_key,
        month.month_on,
        month.quarter_on,
        month.is_observed,
    {% for measure in ['presence_days', 'health_amount_eur', 'user_amount_eur', 'municipal_amount_eur'] %}
        {% set whole = days_of('month.in_charge') if loop.first else 'coalesce(amount.' ~ measure ~ ', 0)' %}
        case
            when not month.is_by_attendance then {{ whole }}
            else {{ whole }} * declared.declared_days / nullif(declared.in_charge_days, 0)
        end as {{ measure }}{{ ',' if not loop.last }}
    {% endfor %}
    from month
    left join declared
        on
            month.episode_key = declared.episode_key
            and month.quarter_on = declared.quarter_on
    left join amount
        on
            month.episode_key = amount.episode_key
            and month.month_on = amount.month_on
)

-- Months are rounded so that they add up to what their quarter declares.
select
    episode_key,
    month_on,
    is_observed,
{% for measure in ['presence_days', 'health_amount_eur', 'user_amount_eur', 'municipal_amount_eur'] %}
    {{ share_of_total(measure, 'quarter') }} as {{ measure }}{{ ',' if not loop.last }}
{% endfor %}
from spread
window quarter as (partition by episode_key, quarter_on order by month_on)
