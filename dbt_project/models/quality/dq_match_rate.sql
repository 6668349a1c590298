-- depends_on: {{ ref('int_flow__touched_month') }}
{{ config(
    materialized='incremental',
    meta={'touched': {'by': 'int_flow__touched_month', 'columns': ['flow_code', 'sender_code', 'month_on']}},
    indexes=[{'columns': ['flow_code', 'sender_code', 'month_on', 'match_method_code'], 'unique': true}]
) }}
-- One row per flow, sender, month of the period and way in which the person of a live record is known.
{% set records = [
    ('IASS', ref('stg_iass__demand')),
    ('FAR1', ref('stg_far1__admission')),
    ('ADI1', ref('stg_adi1__taking_in_charge')),
    ('SMAC', ref('stg_smac__contract')),
    ('SISAM', ref('stg_sisam__case'))
] %}
with delivery as (
    select
        delivery.delivery_id,
        delivery.flow_code,
        delivery.sender_code,
        cast(date_trunc('month', delivery.period_start_on) as date) as month_on
    from {{ ref('stg_landing__delivery') }} as delivery
    {% if is_incremental() %}
        inner join {{ ref('int_flow__touched_month') }} as touched
            on
                delivery.flow_code = touched.flow_code
                and delivery.sender_code = touched.sender_code
                and cast(date_trunc('month', delivery.period_start_on) as date) = touched.month_on
    {% endif %}
),

presented as (
    {% for flow, record in records %}
        {{ 'union all' if not loop.first }}
        select
            delivery.flow_code,
            delivery.sender_code,
            delivery.month_on,
            record.person_ref
        from delivery
        inner join {{ record }} as record
            on
                delivery.flow_code = '{{ flow }}'
                and delivery.delivery_id = record.delivery_id
    {% endfor %}
),

counted as (
    select
        presented.flow_code,
        presented.sender_code,
        presented.month_on,
        coalesce(identity.match_method_code, 'none') as match_method_code,
        count(*) as n_presented
    from presented
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
