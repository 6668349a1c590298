{{ config(indexes=[{'columns': ['flow_code', 'sender_code', 'month_on', 'match_method_code'], 'unique': true}]) }}
-- One row per flow, sender, month of the period and way in which the person of a live record is known.
with presented as (
    select
        'IASS' as flow_code,
        sender_code,
        delivery_id,
        person_ref
    from {{ ref('stg_iass__demand') }}
    union all
    select
        'FAR1' as flow_code,
        sender_code,
        delivery_id,
        person_ref
    from {{ ref('stg_far1__admission') }}
    union all
    select
        'ADI1' as flow_code,
        sender_code,
        delivery_id,
        person_ref
    from {{ ref('stg_adi1__taking_in_charge') }}
    union all
    select
        'SMAC' as flow_code,
        sender_code,
        delivery_id,
        person_ref
    from {{ ref('stg_smac__contract') }}
    union all
    select
        'SISAM' as flow_code,
        sender_code,
        delivery_id,
        person_ref
    from {{ ref('stg_sisam__case') }}
),

counted as (
    select
        presented.flow_code,
        presented.sender_code,
        cast(date_trunc('month', delivery.period_start_on) as date) as month_on,
        coalesce(identity.match_method_code, 'none') as match_method_code,
        count(*) as n_presented
    from presented
    inner join {{ ref('stg_landing__delivery') }} as delivery
        on presented.delivery_id = delivery.delivery_id
    left join {{ source('raw', 'identity__person') }} as identity
        on presented.person_ref = identity.person_ref
    group by 1, 2, 3, 4
)

select
    flow_code,
    sender_code,
    month_on,
    match_method_code,
    match_method_code = 'none' as is_excluded,
    n_presented,
    round(
        100 * cast(n_presented as numeric) / sum(n_presented) over (partition by flow_code, sender_code, month_on), 3
    ) as presented_percent
from counted
