import DefaultTheme from 'vitepress/theme'
import 'virtual:figure-colors.css'
import './style.css'

export default DefaultTheme
